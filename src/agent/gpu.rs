//! The GPUs of this host, as NVIDIA's driver tells.
//!
//! Owns the driver's library and a thread that asks it, for its answers may take milliseconds each and a key must
//! not wait for them. Says "not known" (`None`) where the driver does, never 0. Start at [`Gpus::find`].

use std::{
    ffi::OsStr,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use nvml_wrapper::{
    Nvml, enum_wrappers::device::TemperatureSensor, enums::device::UsedGpuMemory, error::NvmlError,
};

use super::wire::GpuInfo;
use crate::model::event::GpuSample;

/// The names of the driver's library: the one that comes with the driver, then the development package's.
const LIBRARIES: [&str; 2] = ["libnvidia-ml.so.1", "libnvidia-ml.so"];

/// The GPUs of this host, in PCI bus order.
pub struct Gpus {
    /// What they are.
    pub infos: Vec<GpuInfo>,
    ask: SyncSender<()>,
    answers: Receiver<Vec<GpuSample>>,
    newest: Vec<GpuSample>,
}

impl Gpus {
    /// Looks for GPUs, or says in words why none can be found.
    pub fn find() -> Result<Self, String> {
        let nvml = load()?;
        let order = in_bus_order(&nvml).map_err(|error| failed(&error))?;
        if order.is_empty() {
            return Err("the NVIDIA driver sees no GPU".to_owned());
        }
        let infos = (0..)
            .zip(&order)
            .map(|(index, &device)| info(&nvml, index, device))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| failed(&error))?;
        let (ask, asked) = sync_channel(1);
        let (answer, answers) = sync_channel(1);
        let names: Vec<String> = infos.iter().map(|info| info.name.clone()).collect();
        // Ends when `ask` is dropped.
        std::thread::Builder::new()
            .name("gpus".to_owned())
            .spawn(move || {
                while asked.recv().is_ok() {
                    let samples = (0..).zip(order.iter().zip(&names));
                    let samples = samples
                        .map(|(index, (&device, name))| sample(&nvml, index, device, name))
                        .collect();
                    if answer.send(samples).is_err() {
                        break;
                    }
                }
            })
            .map_err(|error| format!("no thread for the GPUs: {error}"))?;
        Ok(Self {
            infos,
            ask,
            answers,
            newest: Vec::new(),
        })
    }

    /// The newest samples there are, and asks for newer ones: those come with the next call.
    pub fn sample(&mut self) -> Vec<GpuSample> {
        if let Some(newest) = self.answers.try_iter().last() {
            self.newest = newest;
        }
        match self.ask.try_send(()) {
            // Full: it is still busy with the last question.
            Ok(()) | Err(TrySendError::Full(())) => {}
            Err(TrySendError::Disconnected(())) => self.newest.clear(),
        }
        self.newest.clone()
    }
}

fn load() -> Result<Nvml, String> {
    let mut why = String::new();
    for library in LIBRARIES {
        match Nvml::builder().lib_path(OsStr::new(library)).init() {
            Ok(nvml) => return Ok(nvml),
            // The first is what every driver has: its error is the one to tell.
            Err(error) if why.is_empty() => why = failed(&error),
            Err(_) => {}
        }
    }
    Err(why)
}

fn failed(error: &NvmlError) -> String {
    match error {
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => {
            format!("no NVIDIA driver found ({} cannot be loaded)", LIBRARIES[0])
        }
        NvmlError::DriverNotLoaded => {
            "the NVIDIA driver is installed but not loaded (lsmod | grep nvidia)".to_owned()
        }
        error => format!("the NVIDIA driver does not answer: {error}"),
    }
}

/// The driver's indices, sorted by where the devices sit on the bus.
fn in_bus_order(nvml: &Nvml) -> Result<Vec<u32>, NvmlError> {
    let mut places = Vec::new();
    for index in 0..nvml.device_count()? {
        let pci = nvml.device_by_index(index)?.pci_info()?;
        places.push(((pci.domain, pci.bus, pci.device), index));
    }
    places.sort_unstable();
    Ok(places.into_iter().map(|(_, index)| index).collect())
}

fn info(nvml: &Nvml, index: u32, device: u32) -> Result<GpuInfo, NvmlError> {
    let device = nvml.device_by_index(device)?;
    Ok(GpuInfo {
        index,
        name: device.name()?,
        // Absent on machines whose GPU shares the memory of the cpu.
        memory: device.memory_info().map_or(0, |memory| memory.total),
    })
}

fn sample(nvml: &Nvml, index: u32, device: u32, name: &str) -> GpuSample {
    let mut sample = GpuSample {
        index,
        name: name.to_owned(),
        ..GpuSample::default()
    };
    let Ok(device) = nvml.device_by_index(device) else {
        return sample;
    };
    sample.utilisation = device.utilization_rates().ok().map(|rates| rates.gpu);
    let memory = device.memory_info().ok();
    sample.memory = memory.map(|memory| (memory.used, memory.total));
    sample.temperature = device.temperature(TemperatureSensor::Gpu).ok();
    // Milliwatts.
    sample.power = device.power_usage().ok().map(|power| power as f32 / 1000.0);
    let compute = device.running_compute_processes().unwrap_or_default();
    let graphics = device.running_graphics_processes().unwrap_or_default();
    for process in compute.into_iter().chain(graphics) {
        if sample.processes.iter().all(|(pid, _)| *pid != process.pid) {
            let memory = match process.used_gpu_memory {
                UsedGpuMemory::Used(bytes) => Some(bytes),
                UsedGpuMemory::Unavailable => None,
            };
            sample.processes.push((process.pid, memory));
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_driver_says_so_and_one_with_it_names_its_gpus() {
        match Gpus::find() {
            Err(why) => assert!(why.contains("NVIDIA"), "{why}"),
            Ok(gpus) => assert!(gpus.infos.iter().all(|gpu| !gpu.name.is_empty())),
        }
    }
}
