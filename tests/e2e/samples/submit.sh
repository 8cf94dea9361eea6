curl -X POST http://localhost:8000/api/v1/videos/generate \
  -H "Content-Type: application/json" \
  -d '{
    "image": "https://example.com/image.jpg",
    "prompt": "A serene ocean scene with gentle waves",
    "duration": 5,
    "fps": 30
  }'
