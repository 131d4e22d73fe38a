# From evaluations to Tables 1, 2 and 3, gates and claims.


rule table:
    input:
        script=script("make_table.py"),
        code=lambda wildcards: code(
            "make_table.py", files=[STUDY.tables.code(wildcards.table)]
        ),
        runs=lambda wildcards: STUDY.tables.files(wildcards.table),
    output:
        md=results(layout.TABLE) + ".md",
        csv=results(layout.TABLE) + ".csv",
        tex=results(layout.TABLE) + ".tex",
        html=report(
            results(layout.TABLE) + ".html",
            category="2. Tables",
            labels=lambda wildcards: {
                "Table": captions.label(
                    wildcards.table, STUDY.config["tables"][wildcards.table]["caption"]
                )
            },
            caption=CAPTION,
        ),
        json=results(layout.TABLE) + ".json",
    log:
        log_file("table", "{table}"),
    localrule: True
    conda:
        CONDA
    params:
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(STUDY.tables.spec(wildcards.table)),
        stem=lambda wildcards: MOVED.tables.stem(wildcards.table),
        results=lambda wildcards: MOVED.results,
        caption=lambda wildcards, output: STUDY.tables.caption(wildcards.table),
    message:
        "Make {wildcards.table}"
    shell:
        "{params.python} {input.script:q} --spec {params.spec:q} --results {params.results:q}"
        " --stem {params.stem:q} > {log:q} 2>&1"


rule tables:
    input:
        STUDY.tables.products(),
    localrule: True
