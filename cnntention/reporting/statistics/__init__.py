"""Statistics of finished runs, one file for each question: pure functions of arrays.

scipy and statsmodels are imported where they are used, since a dry run imports the tables and these with them.
Accuracies and their differences are in percentage points. What does not fit, or does not suffice, is a
:class:`~cnntention.base.errors.StatisticsError`.
"""
