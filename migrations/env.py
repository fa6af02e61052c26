"""What Alembic runs for `bot/store/migrate.py`, on the connection it is handed.

A new migration is written by hand, from `alembic -c migrations/alembic.ini
revision -m "why" --rev-id 0002`; `tests/test_migrations.py` then names what the
tables have and the migrations lack. Migrations go forward only and do not import
`bot.store.tables`: they describe a moment that has passed. SQLite enforces
foreign keys meanwhile, so `batch_alter_table` must not recreate a table that
others point to: dropping the old one would delete their rows.
"""

from alembic import context

from bot.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
