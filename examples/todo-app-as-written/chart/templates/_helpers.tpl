{{- define "todo-app.labels" -}}
app.kubernetes.io/part-of: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "todo-app.probes" -}}
livenessProbe:
  httpGet:
    path: /health/live
    port: {{ . }}
  timeoutSeconds: 2
  periodSeconds: 10
  failureThreshold: 3
readinessProbe:
  httpGet:
    path: /health/ready
    port: {{ . }}
  timeoutSeconds: 5
  periodSeconds: 5
  failureThreshold: 3
startupProbe:
  httpGet:
    path: /health/live
    port: {{ . }}
  failureThreshold: 6
  periodSeconds: 5
{{- end -}}
