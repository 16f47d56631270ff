# taskviz for a server: not root, read-only but for /cache and /tmp. docs/docker.md says how to run it.
#
#   docker build -t taskviz .                          # processor only
#   docker build -t taskviz --build-arg TORCH=cu128 .  # NVIDIA; an index that PyTorch's site names
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS build
ARG TORCH=cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements.txt ./
# PyTorch first: the version is the one of requirements.txt, the build the one that is asked for.
RUN python -m venv /opt/taskviz \
    && version="$(sed -n 's/^torch==\([^ ]*\).*/\1/p' requirements.txt)" \
    && /opt/taskviz/bin/python -m pip install "torch==${version}" \
        --index-url "https://download.pytorch.org/whl/${TORCH}" \
    && /opt/taskviz/bin/python -m pip install -r requirements.txt

FROM ${BASE}
RUN groupadd --gid 10001 taskviz \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin taskviz \
    && install --directory --owner=10001 --group=10001 --mode=0700 /cache
COPY --from=build /opt/taskviz /opt/taskviz
WORKDIR /app
COPY app.py server.py ./
COPY .streamlit/config.toml .streamlit/config.toml
COPY app_pages app_pages
COPY taskviz taskviz
RUN /opt/taskviz/bin/python -m compileall -q /app
ENV PATH=/opt/taskviz/bin:$PATH \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    NUMBA_CACHE_DIR=/tmp/numba \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TASKVIZ_CACHE=/cache
VOLUME /cache
EXPOSE 8501
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=10s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://localhost:8501/health', timeout=8)"]
# SIGTERM ends the app in order; workers that are at work are ended with the container and resume.
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "taskviz"]
CMD ["app", "--host", "0.0.0.0", "--port", "8501"]
