# From weights that were trained elsewhere to the same file as a training's.


rule import_weights:
    input:
        script=script("import_weights.py"),
        code=lambda wildcards: code("import_weights.py", [wildcards.model]),
        # As the config names them, and so does the spec.
        weights=lambda wildcards: local(STUDY.weights_file(run_of(wildcards))),
        card=results(layout.CARD),
    output:
        model=results(layout.MODEL),
    log:
        log_file("import_weights", layout.NAME),
    wildcard_constraints:
        model=one_of(STUDY.imported_models()),
    localrule: True
    conda:
        CONDA
    params:
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(STUDY.import_spec(run_of(wildcards))),
        results=untracked(MOVED.results),
    message:
        "Import {wildcards.dataset}/{wildcards.model}/{wildcards.split}/seed{wildcards.seed}"
    shell:
        "{params.python} {input.script:q} --spec {params.spec:q} --results {params.results:q} --card {input.card:q}"
        " > {log:q} 2>&1"
