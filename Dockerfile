# The app with everything in it: nothing is downloaded when it starts. See deploy/README.md.
FROM python:3.11-slim-bookworm

# The address of your mirror of PyTorch's CPU wheels: they are a tenth of the size of those with CUDA.
ARG TORCH_INDEX=""

# Debian keeps one version of a package: a pinned one is soon gone.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt requirements-pinned.txt ./
RUN python -m venv /opt/app && \
    if [ -n "$TORCH_INDEX" ]; then \
        /opt/app/bin/pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" torch==2.13.0 torchvision==0.28.0; \
    fi && \
    /opt/app/bin/pip install --no-cache-dir -r requirements.txt
ENV PATH="/opt/app/bin:$PATH" PYTHONUNBUFFERED=1

COPY . ./
RUN python -m compileall -q app.py deploy pages ui vae_core && \
    python -c "from pathlib import Path; from deploy.proxy import pack_static; pack_static(Path('/opt/static'))" && \
    useradd --create-home --uid 1000 visitor && \
    install -d -o visitor -g visitor /kept

# The one folder that is written to. What is in it goes with the container, unless something is mounted there: then set
# VAE_FORGETS to nothing, and the app no longer says that runs are lost.
ENV VAE_HOME=/kept VAE_FORGETS=1 VAE_REPLICAS=2
USER 1000
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=5)"]
CMD ["python", "-m", "deploy.serve", "--address", "0.0.0.0", "--port", "8501", "--static", "/opt/static"]
