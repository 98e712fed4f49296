"""For Flask: an extension that enqueues on ``db.session`` and runs handlers inside the application context.

::

    db = SQLAlchemy()
    ext = FlaskOutbox()

    def create_app():
        app = Flask(__name__)
        app.config["OUTBOX_BUILDER"] = "shop.outbox:builder"      # a function of an Engine
        db.init_app(app)
        ext.init_app(app, db)
        return app
"""

from outbox.contrib.flask.extension import FlaskOutbox

__all__ = ["FlaskOutbox"]
