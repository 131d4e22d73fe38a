"""Where results lie below the results folder. The rules and the command line share these patterns."""

DATA = "{results}/data/{dataset}.npz"
CARD = "{results}/data/{dataset}.json"

NAME = "{dataset}/{model}/{split}/seed{seed}"  # of a run

RUN = "{results}/runs/" + NAME
MODEL = RUN + "/model.pt"
HISTORY = RUN + "/history.csv"
EVAL = RUN + "/eval.json"
STATE = "{results}/state/" + NAME + ".pt"
HEARTBEAT = "{results}/state/" + NAME + ".json"  # beside the state, see cnntention/training/heartbeat.py
PREDICTIONS = RUN + "/predictions.npz"

OVERVIEW = "{results}/overview.html"
TABLE = "{results}/tables/{table}"  # + .md, .csv, .tex, .html
FIGURE = "{results}/figures/{figure}"  # + .png, .svg
GRID = "{results}/gradcam/{dataset}"  # + .png, .json

LOG = "{results}/logs/{step}/{of}.log"
