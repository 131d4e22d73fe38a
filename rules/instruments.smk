# From weights and images to what instruments say of them: a measurement a run, then a table and a picture of all.


rule measure:
    input:
        script=script("measure.py"),
        code=lambda wildcards: code(
            "measure.py",
            [wildcards.model],
            [STUDY.instruments.code(wildcards.instrument)],
        ),
        model=results(layout.MODEL),
        data=results(layout.DATA),
        card=results(layout.CARD),
        # As the config names them, and so does the spec.
        own_files=lambda wildcards: [
            local(file) for file in STUDY.instruments.own_files(wildcards.instrument)
        ],
    output:
        numbers=results(layout.MEASUREMENT) + ".json",
        arrays=results(layout.MEASUREMENT) + ".npz",
    log:
        log_file("measure", f"{{instrument}}/{layout.NAME}"),
    conda:
        CONDA
    threads: TRAIN_THREADS
    resources:
        gpu=GPU,
    params:
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(
            STUDY.instruments.measurement_spec(wildcards.instrument)
        ),
        stem=lambda wildcards, output: output.numbers.removesuffix(".json"),
        machine=untracked(MACHINE),
    message:
        "Measure {wildcards.instrument} of {wildcards.dataset}/{wildcards.model}/{wildcards.split}/seed{wildcards.seed}"
    shell:
        "{params.python} {input.script:q} --spec {params.spec:q} --model {input.model:q} --data {input.data:q}"
        " --card {input.card:q} --stem {params.stem:q} --machine {params.machine:q} --threads {threads} > {log:q} 2>&1"


rule instrument_table:
    input:
        script=script("make_instrument_table.py"),
        code=lambda wildcards: code(
            "make_instrument_table.py",
            files=STUDY.instruments.table_code(wildcards.instrument),
        ),
        measurements=lambda wildcards: STUDY.instruments.files(wildcards.instrument),
    output:
        md=results(layout.INSTRUMENT) + ".md",
        csv=results(layout.INSTRUMENT) + ".csv",
        tex=results(layout.INSTRUMENT) + ".tex",
        html=report(
            results(layout.INSTRUMENT) + ".html",
            category="5. Instruments",
            labels=lambda wildcards: instrument_label(wildcards) | {"Shown": "table"},
            caption=CAPTION,
        ),
        json=results(layout.INSTRUMENT) + ".json",
    log:
        log_file("instrument_table", "{instrument}"),
    localrule: True
    conda:
        CONDA
    params:
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(STUDY.instruments.spec(wildcards.instrument)),
        stem=lambda wildcards: MOVED.instruments.stem(wildcards.instrument),
        results=lambda wildcards: MOVED.results,
        caption=lambda wildcards, output: STUDY.instruments.caption(
            wildcards.instrument
        ),
    message:
        "Make the table of {wildcards.instrument}"
    shell:
        "{params.python} {input.script:q} --spec {params.spec:q} --results {params.results:q}"
        " --stem {params.stem:q} > {log:q} 2>&1"


rule instrument_picture:
    input:
        script=script("draw_instrument_picture.py"),
        code=lambda wildcards: code(
            "draw_instrument_picture.py",
            files=[STUDY.instruments.picture_code(wildcards.instrument)],
        ),
        measurements=lambda wildcards: STUDY.instruments.files(wildcards.instrument),
    output:
        png=report(
            results(layout.INSTRUMENT) + ".png",
            category="5. Instruments",
            labels=lambda wildcards: instrument_label(wildcards)
            | {"Shown": "picture"},
            caption=CAPTION,
        ),
        svg=results(layout.INSTRUMENT) + ".svg",
    log:
        log_file("instrument_picture", "{instrument}"),
    localrule: True
    conda:
        CONDA
    params:
        python=untracked(PYTHON),
        spec=lambda wildcards: canonical(STUDY.instruments.spec(wildcards.instrument)),
        stem=lambda wildcards: MOVED.instruments.stem(wildcards.instrument),
        results=lambda wildcards: MOVED.results,
        caption=lambda wildcards, output: STUDY.instruments.caption(
            wildcards.instrument
        ),
    message:
        "Draw the picture of {wildcards.instrument}"
    shell:
        "{params.python} {input.script:q} --spec {params.spec:q} --results {params.results:q}"
        " --stem {params.stem:q} > {log:q} 2>&1"


rule instruments:
    input:
        STUDY.instruments.products(),
    localrule: True
