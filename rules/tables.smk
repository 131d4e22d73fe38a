# From evaluations to Tables 1, 2 and 3.


rule table:
    input:
        script=script("make_table.py"),
        code=code("make_table.py"),
        evaluations=lambda wildcards: run_files(layout.EVAL, STUDY.table_runs(wildcards.table)),
    output:
        md=results(layout.TABLE) + ".md",
        csv=results(layout.TABLE) + ".csv",
        tex=results(layout.TABLE) + ".tex",
    log:
        log_file("table", "{table}"),
    params:
        spec=lambda wildcards: canonical(STUDY.table_spec(wildcards.table)),
        results=STUDY.results,
    localrule: True
    conda:
        CONDA
    shell:
        "python {input.script} --spec {params.spec:q} --results {params.results}"
        " --md {output.md} --csv {output.csv} --tex {output.tex} > {log} 2>&1"


rule tables:
    input:
        STUDY.products("tables"),
