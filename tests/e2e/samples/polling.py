import requests
import time

def poll_video_status(task_id, max_wait=300):
    """Poll video status with exponential backoff"""
    poll_interval = 5  # Start with 5 seconds
    max_interval = 30  # Max 30 seconds between polls
    elapsed = 0
    
    while elapsed < max_wait:
        response = requests.get(
            f"http://localhost:8000/api/v1/tasks/{task_id}"
        )
        status = response.json()
        
        if status['status'] in ['completed', 'failed', 'cancelled']:
            return status
        
        print(f"Progress: {status['progress']}%")
        time.sleep(poll_interval)
        elapsed += poll_interval
        
        # Exponential backoff
        poll_interval = min(poll_interval * 1.5, max_interval)
    
    raise TimeoutError(f"Video generation timeout after {max_wait}s")
