# CNNtention: data -> training of each model x dataset x seed -> evaluation -> tables, figures, Grad-CAM grids.
from snakemake.utils import min_version

from cnntention.base.errors import ConfigError
from cnntention.study.blocks import located
from cnntention.study.config import base_config, load
from cnntention.study.study import Study
from cnntention.workflow.leftovers import remove_states
from cnntention.workflow.summary import failures, summary

min_version("9.25")

BASE = base_config()


configfile: BASE


report: "report/overview.rst"


try:
    # Strictly, as Snakemake does not: it takes the last of two equal keys, and 010 for 8. As a module the workflow gets
    # a config that somebody else has read.
    if BASE in workflow.configfiles:
        load(BASE, *workflow.overwrite_configfiles)
    CONFIG = located(config, [BASE, *workflow.overwrite_configfiles])
    STUDY = Study(CONFIG)
except ConfigError as error:
    raise WorkflowError(str(error)) from None
for remark in STUDY.remarks():
    print(f"note: {remark}", file=sys.stderr)


include: "rules/common.smk"


# As a module the workflow leaves the terminal to those who use it.
if workflow.modifier.is_main_snakefile():

    include: "rules/terminal.smk"


include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/import_weights.smk"
include: "rules/evaluate.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/gradcam.smk"
include: "rules/instruments.smk"
include: "rules/mlflow.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
        rules.gradcam.input,
        rules.instruments.input,
        STUDY.path(layout.OVERVIEW),
    localrule: True


# Under its default limit, 100 jobs a second, Snakemake looks at all waiting jobs once a second for each job that has
# finished, for ever (9.27, its pull request 3744): after 100 jobs that is a fifth of a core. A limit of one's own stays.
onstart:
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


onsuccess:
    remove_states(STUDY)
    print(summary(STUDY), file=sys.stderr)


onerror:
    remove_states(STUDY)
    print(failures(STUDY, since=START), file=sys.stderr)
