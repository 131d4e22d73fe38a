# From evaluations to the first page of the report; `snakemake --report report.html` puts it before all products.


rule overview:
    input:
        script=script("make_overview.py"),
        code=code("make_overview.py"),
        runs=lambda wildcards: STUDY.overview_files(),
    output:
        page=report(
            results(layout.OVERVIEW),
            category="1. Overview",
            labels={"Page": "Overview"},
            caption=CAPTION,
        ),
    log:
        log_file("overview", "overview"),
    localrule: True
    conda:
        CONDA
    params:
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(STUDY.overview_spec()),
        results=lambda wildcards: MOVED.results,
        caption=untracked(captions.OVERVIEW),
    message:
        "Make overview"
    shell:
        "{params.python} {input.script:q} --spec {params.spec:q} --results {params.results:q}"
        " --page {output.page:q} > {log:q} 2>&1"
