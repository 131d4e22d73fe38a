# From weights to numbers and predictions.


rule evaluate:
    input:
        script=script("evaluate.py"),
        code=lambda wildcards: code("evaluate.py", [wildcards.model]),
        model=results(layout.MODEL),
        data=results(layout.DATA),
        card=results(layout.CARD),
    output:
        report=results(layout.EVAL),
        predictions=results(layout.PREDICTIONS),
    log:
        log_file("evaluate", layout.NAME),
    priority: earlier_seeds_first
    conda:
        CONDA
    threads: TRAIN_THREADS
    resources:
        gpu=GPU,
    params:
        python=untracked(PYTHON),
        machine=untracked(MACHINE),
        run=lambda wildcards, output: str(run_of(wildcards)),
        results=untracked(MOVED.results),
    message:
        "Evaluate {wildcards.dataset}/{wildcards.model}/{wildcards.split}/seed{wildcards.seed}"
    shell:
        "{params.python} {input.script:q} --machine {params.machine:q} --threads {threads} --run {params.run:q}"
        " --results {params.results:q} --data {input.data:q} --card {input.card:q} > {log:q} 2>&1"
