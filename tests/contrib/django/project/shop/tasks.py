"""Tasks, by whichever framework of them there is."""

try:
    from django.tasks import task
except ImportError:
    from django_tasks import task

ran = []


@task
def note(*args, **kwargs):
    ran.append((args, kwargs))
    return "done"


@task(takes_context=True, queue_name="mails")
def flaky(context, name):
    ran.append((name, context.attempt))
    if context.attempt == 1:
        raise ValueError("not yet")


@task
def hopeless():
    raise ValueError("never")


@task
async def later(number):
    ran.append(number)


def no_task():
    ran.append("no task")
