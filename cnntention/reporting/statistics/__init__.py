"""Statistics of finished runs, a question a file: pure functions of arrays.

scipy and statsmodels are imported where they are used, since a dry run imports the tables and these with them.
"""
