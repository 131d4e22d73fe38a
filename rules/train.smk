# One training a run. By shell, not script: a script's bare touch would train again.


rule train:
    input:
        script=script("train.py"),
        code=lambda wildcards: code("train.py", [wildcards.model]),
        data=results(layout.DATA),
        card=results(layout.CARD),
        # The weights that it starts from, if any: this script finds them by its spec.
        start=lambda wildcards: run_files(
            layout.MODEL, filter(None, [STUDY.start(run_of(wildcards))])
        ),
    output:
        model=results(layout.MODEL),
        history=results(layout.HISTORY),
    log:
        log_file("train", layout.NAME),
    wildcard_constraints:
        model=one_of(STUDY.trained_models()),
    priority: earlier_seeds_first
    conda:
        CONDA
    threads: TRAIN_THREADS
    resources:
        gpu=GPU,
    params:
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(STUDY.training_spec(run_of(wildcards))),
        machine=untracked(MACHINE),
        # The state lies there too: no output, since Snakemake deletes the outputs of a job that was killed.
        results=untracked(MOVED.results),
    message:
        "Train {wildcards.dataset}/{wildcards.model}/{wildcards.split}/seed{wildcards.seed}  (log: {log})"
    shell:
        # exec: signals reach Python itself, and $PPID, which is Snakemake's, is its parent too.
        "exec {params.python} {input.script:q} --spec {params.spec:q} --machine {params.machine:q} --threads {threads}"
        " --results {params.results:q} --data {input.data:q} --card {input.card:q} --parent $PPID > {log:q} 2>&1"
