"""The application for a WSGI server; it enqueues, and starts no thread when it is imported.

A server that forks must start the workers after the fork. With gunicorn, in its configuration file:

    def post_fork(server, worker):
        from orders import pipeline
        pipeline.start_workers()

    def worker_exit(server, worker):
        from orders import pipeline
        pipeline.stop_workers()
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
application = get_wsgi_application()
