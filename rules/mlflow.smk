# From all results to MLflow; no part of the study: snakemake mlflow


rule mlflow:
    input:
        STUDY.tables.products(),
        STUDY.figures.products(),
        STUDY.gradcam.products(),
        STUDY.instruments.products(),
        script=script("export_mlflow.py"),
        evaluations=run_files(layout.EVAL, STUDY.runs()),
    log:
        log_file("mlflow", "export"),
    # Without an output it runs whenever it is asked for; what is in MLflow already stays as it is.
    localrule: True
    conda:
        "../envs/mlflow.yaml"
    params:
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(MOVED.export_spec()),
    message:
        "Export to MLflow"
    shell:
        "{params.python} {input.script:q} --spec {params.spec:q} > {log:q} 2>&1 && cat {log:q} >&2"
