FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
RUN useradd --create-home firstlight && mkdir /data && chown firstlight /data
USER firstlight
# The files' names carry a hash of their content in production.
RUN ENVIRONMENT=test DATA_DIR=/tmp/build python manage.py check
EXPOSE 8000
CMD ["python", "manage.py", "serve"]
