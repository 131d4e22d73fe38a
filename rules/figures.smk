# From histories to Figures 1, 5, 6 and 8, and from models to Figures 2 and 7.


rule figure:
    input:
        script=script("plot_figure.py"),
        code=lambda wildcards: code(
            "plot_figure.py",
            STUDY.figures.models(wildcards.figure),
            [STUDY.figures.code(wildcards.figure)],
        ),
        runs=lambda wildcards: STUDY.figures.files(wildcards.figure),
    output:
        png=report(
            results(layout.FIGURE) + ".png",
            category="3. Figures",
            labels=lambda wildcards: {
                "Figure": captions.label(
                    wildcards.figure,
                    STUDY.config["figures"][wildcards.figure]["title"],
                )
            },
            caption=CAPTION,
        ),
        svg=results(layout.FIGURE) + ".svg",
    log:
        log_file("figure", "{figure}"),
    localrule: True
    conda:
        CONDA
    params:
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(STUDY.figures.spec(wildcards.figure)),
        stem=lambda wildcards: MOVED.figures.stem(wildcards.figure),
        results=lambda wildcards: MOVED.results,
        caption=lambda wildcards, output: STUDY.figures.caption(wildcards.figure),
    message:
        "Plot {wildcards.figure}"
    shell:
        "{params.python} {input.script:q} --spec {params.spec:q} --results {params.results:q}"
        " --stem {params.stem:q} > {log:q} 2>&1"


rule figures:
    input:
        STUDY.figures.products(),
    localrule: True
