# Two stages: the first installs the locked packages, the second carries only them and the code.
FROM python:3.13-slim AS packages
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /cogitor
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --extra postgres --no-python-downloads

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home cogitor && mkdir -p /cogitor/data && chown cogitor /cogitor/data
WORKDIR /cogitor
COPY --from=packages /cogitor/.venv .venv
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
