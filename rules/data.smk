# From a source to one prepared file a dataset.


rule prepare_data:
    input:
        script=script("prepare_data.py"),
        code=lambda wildcards: code(
            "prepare_data.py", files=[STUDY.source_file(wildcards.dataset)]
        ),
        # As the config names them, and so does the spec.
        own_files=lambda wildcards: [
            local(file) for file in STUDY.own_files(wildcards.dataset)
        ],
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
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(STUDY.data_spec(wildcards.dataset)),
        downloads=untracked(STUDY.machine["downloads"]),
        mirrors=lambda wildcards, output: STUDY.mirrors(wildcards.dataset),
    message:
        "Prepare data: {wildcards.dataset}"
    shell:
        "{params.python} {input.script:q} --spec {params.spec:q} --data {output.data:q} --card {output.card:q}"
        " --downloads {params.downloads:q} --mirrors {params.mirrors:q} > {log:q} 2>&1"
