# From histories to Figures 1, 5, 6 and 8.


rule figure:
    input:
        script=script("plot_figure.py"),
        code=code("plot_figure.py"),
        histories=lambda wildcards: run_files(
            layout.HISTORY, STUDY.figure_runs(wildcards.figure)
        ),
    output:
        png=report(
            results(layout.FIGURE) + ".png",
            category="3. Figures",
            labels=lambda wildcards: {
                "Figure": captions.label(STUDY.figure_spec(wildcards.figure))
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
        spec=lambda wildcards: canonical(STUDY.figure_spec(wildcards.figure)),
        results=lambda wildcards: STUDY.results,
        caption=lambda wildcards, output: captions.figure(
            STUDY.figure_spec(wildcards.figure),
            STUDY.published(STUDY.config["figures"][wildcards.figure]["split"]),
        ),
    message:
        "Plot {wildcards.figure}"
    shell:
        "python {input.script} --spec {params.spec:q} --results {params.results}"
        " --pictures {output.png} {output.svg} > {log} 2>&1"


rule figures:
    input:
        STUDY.products("figures"),
