# What the terminal shows of a run: one line a job when it starts, and one when it fails, with the step's own message at
# the end. Snakemake's log file holds the rest, and its settings for less (quiet) leave three lines a job, or none. A dry
# run, --verbose and --show-failed-logs show all as ever.
from cnntention.workflow.summary import reason
from snakemake.logging import DefaultFormatter, LogEvent, logger


class OneLineAJob(DefaultFormatter):
    """Serves as the handler's filter too, which holds back what has no line of its own."""

    def __init__(self, quiet):
        super().__init__(quiet)
        self.done = "  0%"
        self.jobs = {}
        self.status = ""

    def line(self, text):
        return f"{time.strftime('%a %H:%M')} {self.done}  {text}"

    def format_job_info(self, job):
        self.jobs[job["jobid"]] = job["rule_msg"] or job["rule_name"]
        return self.line(self.jobs[job["jobid"]])

    def format_job_error(self, job):
        why = reason(job["rule_msg"] or self.status)
        self.status = ""
        return self.line(
            f"FAILED{f' ({why})' if why else ''}: {self.jobs.get(job['jobid'], job['rule_name'])}"
        )

    def filter(self, record):
        event = getattr(record, "event", None)
        if event == LogEvent.PROGRESS:
            self.done = f"{record.done / record.total:4.0%}"
        if event in (LogEvent.PROGRESS, LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED):
            return False
        # The error of a shell command, at length; the failed job's line comes next.
        status = event == LogEvent.ERROR and re.search(
            r"returned non-zero (exit status \d+)\.?$", record.getMessage().strip()
        )
        if status:
            self.status = status[1]
            return False
        return record.getMessage() != "Select jobs to execute..."


settings = workflow.output_settings
if not (settings.dryrun or settings.verbose or settings.show_failed_logs):
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            one_line = OneLineAJob(settings.quiet)
            handler.setFormatter(one_line)
            handler.addFilter(one_line)
