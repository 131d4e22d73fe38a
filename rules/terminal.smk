# What the terminal shows of a run: one line a job, when it starts. Snakemake's own log file holds the rest, and its
# settings for less (quiet) leave three lines a job, or none. A dry run, and --verbose, show all as ever.
from snakemake.logging import DefaultFormatter, LogEvent, logger


class OneLineAJob(DefaultFormatter):
    """Serves as the handler's filter too, which keeps what would become no line, or an empty one."""

    done = "  0%"

    def format_job_info(self, job):
        return f"{time.strftime('%a %H:%M')} {self.done}  {job['rule_msg'] or job['rule_name']}"

    def filter(self, record):
        event = getattr(record, "event", None)
        if event == LogEvent.PROGRESS:
            self.done = f"{record.done / record.total:4.0%}"
        return (
            event
            not in (LogEvent.PROGRESS, LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED)
            and record.getMessage() != "Select jobs to execute..."
        )


if not (workflow.output_settings.dryrun or workflow.output_settings.verbose):
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            one_line = OneLineAJob(
                workflow.output_settings.quiet,
                workflow.output_settings.show_failed_logs,
            )
            handler.setFormatter(one_line)
            handler.addFilter(one_line)
