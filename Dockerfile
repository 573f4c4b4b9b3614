# `ai-radio web` in a container: docs/web.md, "In a container". compose.yaml runs it read-only.
FROM python:3.13-slim AS built
COPY . /source
RUN python -m venv /radio && /radio/bin/pip install --no-cache-dir '/source[web]'

FROM python:3.13-slim
LABEL org.opencontainers.image.title="AI Radio" org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --no-create-home radio \
    && install --directory --owner=radio --mode=0700 /home/radio
COPY --from=built /radio /radio
# Everything that is written goes to the volume: the home, and kernels compiled for this processor.
ENV PATH=/radio/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    AI_RADIO_HOME=/home/radio/data \
    NUMBA_CACHE_DIR=/home/radio/kernels
USER 10001
VOLUME /home/radio
EXPOSE 8017
# The first start compiles the kernels.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8017/health', timeout=8)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["ai-radio"]
CMD ["web", "--host", "0.0.0.0", "--no-open"]
