FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
RUN useradd --create-home firstlight && mkdir /data && chown firstlight /data
USER firstlight
# Fails the build if the settings or the installed packages are broken.
RUN ENVIRONMENT=test DATA_DIR=/tmp/build python manage.py check
# /app belongs to root: everything that is written goes to the volume.
ENV DATA_DIR=/data BIND=0.0.0.0
VOLUME /data
EXPOSE 8000
CMD ["python", "manage.py", "serve"]
