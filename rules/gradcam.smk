# From the models of a dataset to one grid of Grad-CAM maps (Figures 9 to 11).


rule grid:
    input:
        script=script("draw_gradcam.py"),
        code=lambda wildcards: code(
            "draw_gradcam.py", STUDY.config["gradcam"][wildcards.dataset]["models"]
        ),
        models=lambda wildcards: STUDY.gradcam.files(wildcards.dataset),
        data=results(layout.DATA),
        card=results(layout.CARD),
    output:
        png=report(
            results(layout.GRID) + ".png",
            category="4. Grad-CAM",
            labels=lambda wildcards: {
                "Dataset": STUDY.config["datasets"][wildcards.dataset]["label"]
            },
            caption=CAPTION,
        ),
        report=results(layout.GRID) + ".json",
    log:
        log_file("gradcam", "{dataset}"),
    conda:
        CONDA
    threads: TRAIN_THREADS
    resources:
        gpu=GPU,
    params:
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(STUDY.gradcam.spec(wildcards.dataset)),
        stem=lambda wildcards: MOVED.gradcam.stem(wildcards.dataset),
        machine=untracked(MACHINE),
        caption=lambda wildcards, output: STUDY.gradcam.caption(wildcards.dataset),
    message:
        "Draw Grad-CAM grid: {wildcards.dataset}"
    shell:
        "{params.python} {input.script:q} --spec {params.spec:q} --models {input.models:q} --data {input.data:q} --card {input.card:q}"
        " --stem {params.stem:q} --machine {params.machine:q} --threads {threads} > {log:q} 2>&1"


rule gradcam:
    input:
        STUDY.gradcam.products(),
    localrule: True
