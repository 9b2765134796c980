FROM python:3.12-slim-trixie
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# pg_dump and pg_restore of `manage.py backup` and `restore`; not older than the server may be (17).
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
RUN useradd --create-home --uid 1000 firstlight && mkdir /data /backups && chown firstlight /data /backups
USER firstlight
# Fails the build if the settings or the installed packages are broken.
RUN ENVIRONMENT=test DATA_DIR=/tmp/build python manage.py check
# /app belongs to root: everything that is written goes to the volume.
ENV DATA_DIR=/data BIND=0.0.0.0
VOLUME /data
EXPOSE 8000
CMD ["python", "manage.py", "serve"]
