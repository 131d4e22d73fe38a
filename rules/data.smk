# From a source to one prepared file a dataset.


rule prepare_data:
    input:
        script=script("prepare_data.py"),
        code=code("prepare_data.py"),
        own_file=lambda wildcards: STUDY.config["datasets"][wildcards.dataset].get(
            "path", []
        ),
    output:
        data=results(layout.DATA),
        card=results(layout.CARD),
    log:
        log_file("prepare_data", "{dataset}"),
    # On a cluster: on the login node, since compute nodes often have no internet.
    localrule: True
    conda:
        CONDA
    params:
        spec=lambda wildcards: canonical(STUDY.data_spec(wildcards.dataset)),
        downloads=untracked(STUDY.machine["downloads"]),
        mirrors=lambda wildcards, output: STUDY.mirrors(wildcards.dataset),
    message:
        "Prepare data: {wildcards.dataset}"
    shell:
        "python {input.script} --spec {params.spec:q} --data {output.data} --card {output.card}"
        " --downloads {params.downloads} --mirrors {params.mirrors:q} > {log} 2>&1"
