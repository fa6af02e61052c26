# Stages: the locked packages; the same with the sandbox of run_python, compiled; what all images share; two images.
# `docker build .` makes the ordinary one and leaves the sandbox out. `--target bot-with-sandbox` makes the other: it is
# 600 MB larger, and its build takes a minute more and 2.5 GB of memory. Build that one on the kind of machine on which
# it will run: it is compiled for the processor it finds.
FROM python:3.13-slim AS packages
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /cogitor
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --extra postgres --no-python-downloads

FROM packages AS sandbox
RUN uv sync --locked --no-dev --extra postgres --extra sandbox --no-python-downloads
COPY bot bot
RUN .venv/bin/python -m bot.sandbox

FROM python:3.13-slim AS base
RUN useradd --uid 10001 --no-create-home cogitor && mkdir -p /cogitor/data && chown cogitor /cogitor/data
WORKDIR /cogitor
COPY bot bot
COPY cogs cogs
COPY migrations migrations
ENV PATH=/cogitor/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HEALTH_PORT=8080 \
    MPLCONFIGDIR=/tmp/matplotlib
USER cogitor
VOLUME /cogitor/data
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot"]

FROM base AS bot-with-sandbox
COPY --from=sandbox /cogitor/.venv .venv
COPY --from=sandbox --chown=cogitor /cogitor/.sandbox .sandbox

FROM base AS bot
COPY --from=packages /cogitor/.venv .venv
