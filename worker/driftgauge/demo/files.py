"""The files that the demo leaves behind, ready for `backtest`, `check` and `run` on the reader's own machine."""

from __future__ import annotations

from driftgauge.demo.serving import MODEL_ID, MODEL_VERSION

ALERTS, REPORT, PROFILE = "alerts.jsonl", "report.html", "profile.json"
CONFIG, APPLICATIONS = "driftgauge.yaml", "applications.jsonl"

CONFIG_TEXT = f"""\
# The loan story on a real Kafka and Redis. Every value can be overridden by the environment:
# DRIFTGAUGE_KAFKA__BOOTSTRAP_SERVERS=kafka:9092 DRIFTGAUGE_REDIS__URL=redis://redis:6379/0
kafka:
  bootstrap_servers: [localhost:9092]
  group_id: driftgauge
topics:
  predictions: ml.predictions
  panes: ml.driftgauge.panes
  alerts: ml.drift.alerts
  dead_letters: ml.driftgauge.dead-letters
redis:
  url: redis://localhost:6379/0
  namespace: driftgauge
panes: {{length: 60s, out_of_orderness: 30s, idle_after: 15s, partitions: 4}}
models:
  - model_id: {MODEL_ID}
    model_version: "{MODEL_VERSION}"
    profile: {PROFILE}
    false_alarm_budget: 1 # expected false alerts per model and month
checkpoint: {{interval: 2s}}
logging: {{format: json, level: info}}
"""
