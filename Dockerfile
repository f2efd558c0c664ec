# syntax=docker/dockerfile:1
# One image for every process: web, worker, beat, dispatch, metrics, migrate.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
# The driver is built against the system's libpq, so that security updates of libpq and OpenSSL
# reach it; the ready-built one is for demonstration and tests.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev libpq-dev \
    && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /srv/huying
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --extra source --no-binary-package psycopg2
COPY . .
# Catalogues and static files are made here; neither needs a database. The key signs nothing.
RUN SECRET_KEY=only-while-building ALLOWED_HOSTS=localhost \
    DJANGO_SETTINGS_MODULE=config.settings.production STATIC_ROOT=/srv/huying/staticfiles \
    sh -c '.venv/bin/python manage.py compile_catalogues \
    && .venv/bin/python manage.py collectstatic --no-input --verbosity 0'

FROM python:3.11-slim-bookworm
# libpq for the database; Pango, HarfBuzz and Chinese fonts for the sheets of calls as PDF.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq5 \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /srv/huying --shell /usr/sbin/nologin huying \
    && install --directory --owner=huying /srv/media /srv/figures
COPY --from=build /srv/huying /srv/huying
WORKDIR /srv/huying
ENV PATH=/srv/huying/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production \
    STATIC_ROOT=/srv/huying/staticfiles \
    MEDIA_ROOT=/srv/media \
    WEB_CONCURRENCY=4
USER huying
VOLUME /srv/media
EXPOSE 8000
# As many processes as WEB_CONCURRENCY says: gunicorn reads it, and so does the share of each in a rate.
STOPSIGNAL SIGTERM
CMD ["gunicorn", "config.wsgi", "--bind=0.0.0.0:8000", \
     "--threads=4", "--timeout=60", "--graceful-timeout=30", "--max-requests=5000", \
     "--max-requests-jitter=500", "--no-control-socket", "--worker-tmp-dir=/dev/shm", \
     "--config=python:config.serving", \
     "--access-logfile=-"]
