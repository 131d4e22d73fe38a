# From all results to MLflow; no part of the study: snakemake mlflow


rule mlflow:
    input:
        STUDY.products("tables"),
        STUDY.products("figures"),
        STUDY.products("gradcam"),
        script=script("export_mlflow.py"),
        evaluations=run_files(layout.EVAL, STUDY.runs()),
    log:
        log_file("mlflow", "export"),
    # Without an output it runs whenever it is asked for; what is in MLflow already stays as it is.
    localrule: True
    conda:
        "../envs/mlflow.yaml"
    params:
        spec=lambda wildcards: canonical(STUDY.export_spec()),
    message:
        "Export to MLflow"
    shell:
        "python {input.script} --spec {params.spec:q} > {log} 2>&1 && cat {log} >&2"
