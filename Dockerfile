# The hub in one image. Built by the same set-up as everywhere else: Debian packages, npm packages, media worker, web app.
FROM node:24-bookworm-slim

ENV NODE_ENV=production \
    XDG_CACHE_HOME=/var/cache/fieldhub \
    DATA=/data \
    LISTEN=0.0.0.0 \
    INGEST_ADDRESS=0.0.0.0

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git python3 g++ make pkg-config \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/fieldhub
COPY package.json package-lock.json ./
COPY scripts ./scripts
COPY server ./server
COPY media ./media
COPY web ./web
# vite and the type packages are wanted for the build
RUN NODE_ENV=development node scripts/setup.mjs start \
    && rm -rf /var/lib/apt/lists/* /root/.npm

RUN useradd --system --home-dir /data --create-home fieldhub \
    && chown -R fieldhub: /data
USER fieldhub
VOLUME /data
EXPOSE 1935/tcp 9000-9019/udp 3000/tcp 44000/tcp 44000/udp
STOPSIGNAL SIGTERM

# nothing is set up at start: the image holds everything
CMD ["node_modules/.bin/node", "server/supervisor/main.ts"]
