package push

// SignForTest signs as a webhook does.
func SignForTest(secret, id, at, body string) string {
	key, err := WebhookKey(secret)
	if err != nil {
		panic(err)
	}
	return (&Webhook{key: key}).sign(id, at, []byte(body))
}
