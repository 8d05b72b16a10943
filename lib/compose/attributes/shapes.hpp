// The shapes that more than one file of rows uses.
#pragma once

#include "compose/attributes/attribute.hpp"

namespace davit::compose::shapes {

// Of many attributes.
extern const Shape anything, text, text_or_null, boolean, bool_or_text, integer, integer_or_text, number_or_text;
extern const Shape number, text_list, unique_texts, text_or_list, list_or_map, text_or_number_list,
    text_or_integer_list, extra_hosts;
extern const Shape command, driver_opts, external, external_open;

// Of the parts of a service.
extern const Shape depends_on, env_file, extends, healthcheck, logging, service_models, service_networks, ports;
extern const Shape provider, pre_start, hook, hooks, develop;
extern const Shape blkio_config, credential_spec, devices, file_references, mounts, ulimits;
extern const Shape build, deploy, gpus, device_requests;

extern const Shape service, network, volume, secret, config, model;
extern const Shape project; // the whole file

} // namespace davit::compose::shapes
