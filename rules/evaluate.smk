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
        log_file("evaluate", "{dataset}/{model}/{split}/seed{seed}"),
    params:
        device=untracked(DEVICE),
    threads: TRAIN_THREADS
    resources:
        gpu=GPU,
    conda:
        CONDA
    shell:
        "python {input.script} --device {params.device} --threads {threads} --model {input.model}"
        " --data {input.data} --card {input.card} --eval {output.report} --predictions {output.predictions}"
        " > {log} 2>&1"
