# docker build -t polylog .
# docker run -p 8080:8080 -v polylog:/data -e POLYLOG_OPEN=true polylog
FROM debian:bookworm-slim AS build
RUN apt-get update -q && apt-get install -y -q --no-install-recommends ca-certificates
WORKDIR /src
COPY tools/setup tools/
RUN tools/setup build
COPY . .
RUN make -s -j"$(nproc)"

FROM debian:bookworm-slim
RUN apt-get update -q && \
    apt-get install -y -q --no-install-recommends \
        ca-certificates libcurl4 libhiredis0.14 libsodium23 libsqlite3-0 libssl3 libutf8proc2 zlib1g && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin polylog && \
    install -d -o polylog -g polylog -m 0700 /data
COPY --from=build /src/build/polylog /usr/local/bin/polylog
USER 10001
WORKDIR /data
VOLUME /data
ENV POLYLOG_LISTEN=:8080 POLYLOG_DATA=/data POLYLOG_LOG_FORMAT=json
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/polylog"]
CMD ["serve"]
