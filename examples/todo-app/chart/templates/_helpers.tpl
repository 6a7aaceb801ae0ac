{{- define "todo-app.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What never changes for one component; a Deployment's selector. Call with (dict "root" $ "component" "backend"). */}}
{{- define "todo-app.selectorLabels" -}}
app.kubernetes.io/name: todo-{{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "todo-app.labels" -}}
{{ include "todo-app.selectorLabels" . }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: todo-app
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ include "todo-app.chart" .root }}
{{- end -}}

{{/* repository:tag, the tag from the chart's appVersion where none is set. Call with (dict "root" $ "image" .Values.…). */}}
{{- define "todo-app.image" -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{- define "todo-app.configName" -}}
todo-app-config
{{- end -}}

{{- define "todo-app.secretName" -}}
{{- .Values.secrets.existingSecret | default "todo-app-secrets" -}}
{{- end -}}

{{/* The Secret the migration reads: its own, made before it, unless one exists already. */}}
{{- define "todo-app.migrationSecretName" -}}
{{- .Values.secrets.existingSecret | default "todo-app-migrate" -}}
{{- end -}}

{{/* Environment from a mapping of name → template. Call with (dict "root" $ "env" .Values.…). */}}
{{- define "todo-app.env" -}}
{{- range $name, $value := .env }}
- name: {{ $name }}
  value: {{ tpl (toString $value) $.root | quote }}
{{- end }}
{{- end -}}

{{/* The three probes, as the application's health endpoints are meant. */}}
{{- define "todo-app.probes" -}}
startupProbe:
  httpGet: { path: /health/live, port: http }
  periodSeconds: 5
  failureThreshold: 6
livenessProbe:
  httpGet: { path: /health/live, port: http }
  timeoutSeconds: 2
  periodSeconds: 10
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /health/ready, port: http }
  timeoutSeconds: 5
  periodSeconds: 5
  failureThreshold: 3
{{- end -}}
