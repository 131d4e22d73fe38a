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
    conda:
        CONDA
    threads: TRAIN_THREADS
    resources:
        gpu=GPU,
    params:
        machine=untracked(MACHINE),
    message:
        "Evaluate {wildcards.dataset}/{wildcards.model}/{wildcards.split}/seed{wildcards.seed}"
    shell:
        "python {input.script} --machine {params.machine:q} --threads {threads} --model {input.model}"
        " --data {input.data} --card {input.card} --eval {output.report} --predictions {output.predictions}"
        " > {log} 2>&1"
