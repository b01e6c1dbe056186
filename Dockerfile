# The server on Node with the shipped models, as any platform of containers runs it:  docker build -t surprisal .
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY . .
# The package as npm would publish it, and what it needs to run.
RUN npm ci && npm pack --ignore-scripts --pack-destination /tmp \
  && npm install --omit=dev --ignore-scripts --no-audit --no-fund --prefix /opt/surprisal /tmp/surprisal-*.tgz

FROM node:24-bookworm-slim
COPY --from=build /opt/surprisal /opt/surprisal
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080
EXPOSE 8080
USER node
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/v2/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself, so that SIGTERM reaches the server: it answers what is under way and ends.
ENTRYPOINT ["node", "/opt/surprisal/node_modules/surprisal/dist/entry/node/main.js"]
