FROM python:3.13-slim

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY core core
COPY store store
COPY collectors collectors
COPY alerts alerts
COPY dashboard dashboard
COPY quarterdeck quarterdeck
RUN pip install --no-cache-dir -c constraints.txt '.[demo]' \
 && useradd --create-home --uid 10001 quarterdeck \
 && mkdir -p /var/lib/quarterdeck && chown quarterdeck /var/lib/quarterdeck

USER quarterdeck
ENV QUARTERDECK_STORE=/var/lib/quarterdeck PYTHONUNBUFFERED=1
VOLUME /var/lib/quarterdeck
EXPOSE 8501
ENTRYPOINT ["quarterdeck"]
CMD ["run", "--address", "0.0.0.0", "--allow-anyone", "viewer"]
