{{- define "greet" }}hello {{ . }}{{ end }}
