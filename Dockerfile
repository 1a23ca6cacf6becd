# docker build -t polylog .
# docker run -p 8080:8080 -v polylog:/data --read-only polylog
# For both architectures: docker buildx build --platform linux/amd64,linux/arm64 -t polylog .
# The list of what is in it (SPDX): docker build --target sbom --output . .
# BASE and BUILD_BASE may be other images of Debian 13. Nothing of the image's own architecture is
# run while it is built, so that no emulator is needed.
ARG BASE=debian:trixie-slim
ARG BUILD_BASE=debian:trixie-slim
FROM ${BASE} AS base

FROM --platform=$BUILDPLATFORM ${BUILD_BASE} AS build
RUN apt-get update -q && apt-get install -y -q --no-install-recommends ca-certificates
WORKDIR /src
COPY tools/setup tools/
RUN tools/setup build
COPY . .
RUN make -s -j"$(nproc)" web
COPY --from=base /var/lib/dpkg/status /base/status
ARG TARGETARCH
RUN tools/image-root "${TARGETARCH:-$(dpkg --print-architecture)}" /base/status /image

FROM scratch AS sbom
COPY --from=build /image/usr/share/doc/polylog/sbom.spdx.json /polylog.spdx.json

FROM base
COPY --from=build /image /
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="Polylog" \
      org.opencontainers.image.description="A real-time chat server" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
WORKDIR /data
VOLUME /data
ENV POLYLOG_LISTEN=:8080 POLYLOG_DATA=/data POLYLOG_LOG_FORMAT=json
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["/usr/local/bin/polylog", "health"]
ENTRYPOINT ["/usr/local/bin/polylog"]
CMD ["serve"]
