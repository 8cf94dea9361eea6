import requests

# Generate high-quality image first
image_response = requests.post(
    "http://localhost:8000/api/v1/images/generate",
    json={
        "prompt": "A serene mountain landscape",
        "width": 1920,
        "height": 1080,
        "quality": "high"
    }
)

image_url = image_response.json()["image_url"]

# Then generate video
video_response = requests.post(
    "http://localhost:8000/api/v1/videos/generate",
    json={
        "image": image_url,
        "prompt": "Slow camera pan revealing the valley",
        "duration": 5
    }
)
