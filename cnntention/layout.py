"""Where results lie below the results folder. The rules and the command line share these patterns."""

DATA = "{results}/data/{dataset}.npz"
CARD = "{results}/data/{dataset}.json"

RUN = "{results}/runs/{dataset}/{model}/{split}/seed{seed}"
MODEL = RUN + "/model.pt"
HISTORY = RUN + "/history.csv"
EVAL = RUN + "/eval.json"
STATE = "{results}/state/{dataset}/{model}/{split}/seed{seed}.pt"
PREDICTIONS = RUN + "/predictions.npz"

TABLE = "{results}/tables/{table}"  # + .md, .csv, .tex
FIGURE = "{results}/figures/{figure}"  # + .png, .svg
GRID = "{results}/gradcam/{dataset}"  # + .png, .json
