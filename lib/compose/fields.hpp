// The tables of rows, one specialisation per struct of the model.
#pragma once

#include "compose/formats.hpp"

namespace davit::compose {

#define DAVIT_ROWS(S)                                                                                                  \
    template <>                                                                                                        \
    std::span<const Row<S>> rows<S>()
DAVIT_ROWS(Service);
DAVIT_ROWS(EnvFile);
DAVIT_ROWS(HealthCheck);
DAVIT_ROWS(ServiceHook);
DAVIT_ROWS(Provider);
DAVIT_ROWS(WatchRule);
DAVIT_ROWS(Develop);
DAVIT_ROWS(ServiceModel);
DAVIT_ROWS(Dependency);
DAVIT_ROWS(Logging);
DAVIT_ROWS(Extends);
DAVIT_ROWS(ServiceNetwork);
DAVIT_ROWS(Port);
DAVIT_ROWS(Mount);
DAVIT_ROWS(Mount::Bind);
DAVIT_ROWS(Mount::Volume);
DAVIT_ROWS(Mount::Tmpfs);
DAVIT_ROWS(Mount::Image);
DAVIT_ROWS(FileReference);
DAVIT_ROWS(CredentialSpec);
DAVIT_ROWS(Device);
DAVIT_ROWS(Ulimit);
DAVIT_ROWS(BlkioConfig);
DAVIT_ROWS(BlkioConfig::Weight);
DAVIT_ROWS(BlkioConfig::Rate);
DAVIT_ROWS(BuildConfig);
DAVIT_ROWS(Deploy);
DAVIT_ROWS(DeviceRequest);
DAVIT_ROWS(GenericResource);
DAVIT_ROWS(Resources);
DAVIT_ROWS(Deploy::ResourcesSet);
DAVIT_ROWS(DeployRestartPolicy);
DAVIT_ROWS(UpdateConfig);
DAVIT_ROWS(Placement);
DAVIT_ROWS(Placement::Preference);
DAVIT_ROWS(Network);
DAVIT_ROWS(Ipam);
DAVIT_ROWS(IpamPool);
DAVIT_ROWS(Volume);
DAVIT_ROWS(FileObject);
DAVIT_ROWS(Model);
#undef DAVIT_ROWS

} // namespace davit::compose
