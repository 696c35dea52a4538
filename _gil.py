exec(open("_try.py").read().split("for _ in range(3)")[0])
import threading
stop=[]; c=[0]
def spin():
    while not stop: c[0]+=1
th=threading.Thread(target=spin); th.start(); time.sleep(.3)
c[0]=0; t=time.perf_counter(); documents.write_json_lines(b,lambda x:0); dt=time.perf_counter()-t; print("other thread's rate during", c[0]/dt)
c[0]=0; time.sleep(.3); print("alone", c[0]/.3); stop.append(1)
