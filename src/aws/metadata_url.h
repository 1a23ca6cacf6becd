/* metadata_url.h: which endpoints a container may be told to get credentials from: any
 * by https, else one on this machine or of the platform. Pure. */
#ifndef AWS_METADATA_URL_H
#define AWS_METADATA_URL_H

#include "base/base.h"

/* May AWS_CONTAINER_CREDENTIALS_FULL_URI say this? By http the host must be 127.x.x.x,
 * [::1], localhost, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]. */
bool metadata_url_is_allowed(struct str url);

#endif
