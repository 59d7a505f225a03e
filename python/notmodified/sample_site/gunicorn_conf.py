"""How `notmodified demo` runs Gunicorn: two workers, the recommended log, who asked and who answered."""

from notmodified import gunicorn

wsgi_app = "notmodified.sample_site:create_app()"
workers = 2
worker_class = "gthread"
threads = 4
graceful_timeout = 2
# It would be a file in the user's home (Gunicorn 25.1 and later).
control_socket_disable = True
access_log_format = gunicorn.access_log_format + ' worker=%(p)s step="%({http_x_demo_step}e)s"'
